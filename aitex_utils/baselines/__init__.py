"""Detectors to compare PatchCore with: an autoencoder, a variational autoencoder, and the residual of a PCA."""
