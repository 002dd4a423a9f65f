"""What is kept of scans beside their rows: logs of doors without a network, complaints, deferred notices."""
