"""What all pages for people share, whichever door they stand behind.

    cookies.py   what a browser keeps: ids and sealed values
    forms.py     what was typed, and the token that says whose form it is
    pages.py     templates become answers; the files beside pages
    words.py     texts by key, dates and numbers as people write them
    routes.py    routes whose errors are pages
    places.py    where a page of a list ends
    client.py    from which address and with which browser somebody asks
    oidc.py      OpenID Connect: who has signed in elsewhere

Each door (`simcheck.public`, `simcheck.desks`) has words, templates and a check of its own.
"""
