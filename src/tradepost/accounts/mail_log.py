"""Mails of a desk without a mail server, written to its log."""

from django.core.mail import EmailMessage
from django.core.mail.backends.console import EmailBackend

RULE = "-" * 79


class MailLog(EmailBackend):
    """Writes each mail as plain text, so that its links are whole and can be clicked in a terminal."""

    def write_message(self, message: EmailMessage) -> None:
        """Write the sender, the recipients, the subject and the text."""
        head = (f"From: {message.from_email}", f"To: {', '.join(message.to)}", f"Subject: {message.subject}")
        self.stream.write("\n".join((*head, "", str(message.body), RULE, "")))
