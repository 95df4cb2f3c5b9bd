"""The Cloudflare v4 API stand-in: holds state and enforces Cloudflare's rules for what Terraform and Wrangler call.

Plain resources are rows in tables (`rows_zone.py`, `rows_account.py`) that `crud.py` serves; only what has rules
beyond "one object, some fields" has code: zones, DNS records, rulesets, tokens, R2 and Workers (`workers/`). What is
in no table is refused with code 7003 and marked unknown in the request log; nothing is answered with an empty success.
"""
