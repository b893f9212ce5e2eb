"""The exported model: signatures, scoring, its card, risk bands."""
