"""The embedded Terraform provider: Terraform attaches to it instead of downloading the official one.

It speaks plugin protocol 6 over a unix socket, answers under the official provider's address and calls the Cloudflare
API on loopback like the official one. What a type looks like is data (`data/schema.tsv`), where it lives is a table
(`table/`), what none of the general rules covers is a named option of a row (`quirks/`).

Knows nothing of the stand-in it talks to, nor of the other services of the sandbox: everything goes over HTTP.
"""
