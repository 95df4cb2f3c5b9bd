"""The table: where each type lives in the API. Data only; the engine reads it, nothing here acts."""
