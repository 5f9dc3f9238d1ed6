"""The desks: pages for people who sign in, the ministry's under /desk and carriers' under /portal.

One package a room, with its routers, its templates and its words:

    frame/     the door of every page, the look, what pages are put together from
    signing/   signing in and out, one's own account, the start pages
    portal/    the pages of carriers' people
    doors.py   all rooms together

A room's keys in words.toml and its templates are named by the room: `queue.title`,
`queue/list`.
"""
