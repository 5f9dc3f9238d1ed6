"""The country's dashboard: how many SIMs are real, what comes and goes, what an inspector should look at.

reader     what somebody at the desk may see of it: small groups, patterns, exports
asked      what an address asks for: a carrier, a province, how many days
told       tables whose cells lead to their lists
overview   the country's tables and pictures; `flows` the work's, `patterns` the inspector's
goal       the way to all SIMs being real; `lives` every case; `delivery` what became of every notice
adding_up  whether everything adds up, and what does not
pages      the pages of these; `lists` a figure's rows, and their export; `months` reports
"""
