"""Results that lie elsewhere (results=s3://...): worked on in a copy on this machine, and kept in step."""
