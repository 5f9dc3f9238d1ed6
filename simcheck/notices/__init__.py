"""Who is told of a wrong record, when, by which way, and what became of it.

`policy.toml` says when and how often, `schedule.py` works it out. `tracks.py` lets the notices of a case
begin and end with it, `plan.py` turns what is due into messages (`recipients.py` says whom they go to,
`letters.py` writes them), `closing.py` says that it is over, `outcomes.py` tries another way where one
failed, `campaigns.py` counts before anything leaves.
"""
