"""A stand-in for Azure: Entra, IMDS, Key Vault, Resource Manager and its name servers, on loopback, in threads of the test."""
