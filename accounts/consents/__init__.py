"""What people allow at the authorization page: an agent's client may have it act for them, for some hours, until it is ended."""
