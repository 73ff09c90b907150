"""What every benchmark shares: interleaved timing, a description of the machine, tables."""
