"""The authorization server agents use: client credentials by a library, exchange (RFC 8693), revocation, two documents."""
