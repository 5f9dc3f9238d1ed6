"""The pages of holders: server-rendered HTML that works without JavaScript, in Vietnamese and English.

    door.py      who may open a page, and the check of every form     words.py, words.toml  all that is said
    pages.py     templates become answers, with their headers         client.py             whose address asks
    cookies.py   what a browser keeps: ids and sealed values          forms.py              what was typed
    oidc.py      OpenID Connect: who has signed in                    doors.py              all routes

One module a part of the way: start, record, correct, desk (help), my.
"""
