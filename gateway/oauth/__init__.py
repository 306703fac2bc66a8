"""The authorization server agents use, by its library: client credentials, revocation, two metadata documents."""
