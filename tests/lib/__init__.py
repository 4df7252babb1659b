"""What the end-to-end and fault tests share: private instances, peers, servers, waits."""
