//! What JMeter's users store and read: keys, variables, codes, texts; over the engine.
