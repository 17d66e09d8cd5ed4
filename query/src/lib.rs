//! A question to rows: the DataFusion session, its guard, its limits and its formats.
