"""The GitHub stand-in: one repository's REST API, with pull requests, deployments, environments, runs and OIDC tokens.

It holds what the deployer writes there (comments, labels, deployments, statuses, check runs) under GitHub's rules, and
what people and GitHub itself would do arrives by `/__sandbox/...` (`control.py`). There is no git: any full commit id
is a commit, branches are those that somebody named. What has no route is refused with 404 and marked as unknown.
"""
