"""What every room of the desks stands in.

    door.py    who may open a page, the check of every form, how it is answered
    pages.py   templates, words and files of all rooms
    menu.py    what leads to the rooms

The look is in assets/style.css; templates/parts.html is what pages are put together from.
"""
