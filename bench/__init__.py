"""What the generated API and the generator cost, beside what people would pick instead."""
