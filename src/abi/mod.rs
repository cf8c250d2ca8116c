//! The C boundary: every exported function, and the only code that touches the caller's memory.
