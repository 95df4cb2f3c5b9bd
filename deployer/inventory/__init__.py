"""The inventory: environments.toml, parsed once into frozen typed models that know where each value came from."""
