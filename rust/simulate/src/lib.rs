//! Storms of users against limits, in virtual time; pure.
