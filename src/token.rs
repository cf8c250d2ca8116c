//! A token: its vault, who is logged in, and its objects.
