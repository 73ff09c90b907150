"""Steps with discrete variables summed out, beside the peer: time and peak memory."""
