"""R2's S3 interface and AWS Secrets Manager, both moto, within R2's limits and with state that survives."""
