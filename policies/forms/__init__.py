"""Forms of the policy editor. Each carries what its writer saw, so that nothing is written over another person's edit."""
