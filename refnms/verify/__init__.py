"""Are all derivatives right, for this model, these recordings, these parameters?

certificate = certify(model, trials)
print(certificate.passed, certificate.failed)
"""

from refnms.verify.certificate import Certificate as Certificate
from refnms.verify.certificate import certify as certify
from refnms.verify.records import Check as Check
from refnms.verify.records import Place as Place

__all__ = ["Certificate", "Check", "Place", "certify"]
