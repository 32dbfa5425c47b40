"""Audits that only ever pass, sooner: what does not is for `app.proof.audit`."""
