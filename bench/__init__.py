"""Benchmarks of the generated API and of the generator, beside the usual alternatives."""
