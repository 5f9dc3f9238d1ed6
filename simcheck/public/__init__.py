"""The pages of holders: server-rendered HTML that works without JavaScript, in Vietnamese and English.

    door.py      who may open a page, and the check of every form     words.py, words.toml  all that is said
    pages.py     templates become answers, with their headers         doors.py              all routes

One module a part of the way: start, record, correct, desk (help), my, data; and open_data, which anybody may
read. What all doors share is in `simcheck.web`.
"""
