"""A Kubernetes cluster of real parts for tests: see docs/kubernetes_tests.md."""
