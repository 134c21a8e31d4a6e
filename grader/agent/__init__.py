"""What runs inside the sandbox: one file, shipped as data, never imported by the engine."""
