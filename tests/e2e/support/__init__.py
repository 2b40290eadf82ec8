"""What the end-to-end tests stand on: an authority, the process under test, backends and clients."""
