"""One name per primitive. A native version serves where the port has one; the pure one is also the test oracle."""
