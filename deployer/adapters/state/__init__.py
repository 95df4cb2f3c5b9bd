"""The bucket that keeps Terraform's state and the release records (R2, spoken to by its S3 API)."""

from __future__ import annotations

from deployer.adapters.state.bucket import Bucket, Entry, Object
from deployer.adapters.state.cipher import Cipher, Unopened
from deployer.adapters.state.stamp import StateStamp, parse_state, stamp_of

__all__ = ["Bucket", "Cipher", "Entry", "Object", "StateStamp", "Unopened", "parse_state", "stamp_of"]
