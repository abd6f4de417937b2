"""Who answered an outbound call: a person, a voicemail, the network, a fax, music, nobody.

Several witnesses listen (tones, cadence, music, first words, Asterisk's own AMD); docs/amd.md says
what each is worth.
"""

from telephony.amd.detector import Amd
from telephony.amd.evidence import Beep, Evidence, Kind, Statement, Verdict

__all__ = ["Amd", "Beep", "Evidence", "Kind", "Statement", "Verdict"]
