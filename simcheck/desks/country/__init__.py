"""The country's dashboard: how many SIMs are real, what comes and goes, what an inspector should look at.

reader     what somebody at the desk may see of it: small groups, patterns, exports
asked      what an address asks for: a carrier, a province, how many days
told       tables whose cells lead to their lists
overview   the country's tables and pictures; `flows` the work's, `patterns` the inspector's
pages      the pages of these; `lists` a figure's rows, and their export; `months` reports
"""
