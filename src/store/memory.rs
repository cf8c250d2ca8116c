//! A store that lasts as long as the process: `memory:`.
