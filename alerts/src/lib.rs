//! Rules to findings to incidents to deliveries.
