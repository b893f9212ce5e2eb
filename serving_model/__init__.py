"""The model that is served: network, training, signatures, risk categories."""
