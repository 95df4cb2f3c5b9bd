"""Signatures of people, made and verified by their own tools: OpenSSH and GnuPG.

No cryptography of ours, and no private key is ever read by us: the tools find it, in a file or in an agent.
"""

from __future__ import annotations

from deployer.adapters.signing.gpg import GpgKeyFile, GpgSigning
from deployer.adapters.signing.ssh import PublicKey, SshSigning
from deployer.adapters.signing.verified import Verified

__all__ = ["GpgKeyFile", "GpgSigning", "PublicKey", "SshSigning", "Verified"]
