"""The ways of running an agent, a module for each; `registry` has the port, and which kind is run by which."""
