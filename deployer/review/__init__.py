"""What a reviewed plan is, as data and pure rules: no tool, no file, no service is known here.

The manifest and the changes of a bundle, their risk, what may be tolerated, policy, protection, approvals, freezes.
"""
