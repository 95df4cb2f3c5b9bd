"""Results turned into what people and machines read. Knows results, not what made them."""
