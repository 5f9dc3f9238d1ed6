"""Questions that are answered at once: the OTP question, KYC match."""
