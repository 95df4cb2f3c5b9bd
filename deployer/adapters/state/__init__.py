"""The bucket that keeps Terraform's state and the release records (R2, spoken to by its S3 API)."""

from __future__ import annotations

from deployer.adapters.state.bucket import Bucket, Entry, Object
from deployer.adapters.state.cipher import Cipher, Unopened

__all__ = ["Bucket", "Cipher", "Entry", "Object", "Unopened"]
