"""What workers do. A job is a wake-up: it looks into a table for what is due, does that, and may be lost.

`simcheck` enqueues by name and never imports from here. A module a stage, under the stage's name; each says
`@job("stage.verb")` over what is woken, and `@sweep("stage.sweep", cron)` over what finds forgotten work.
"""
