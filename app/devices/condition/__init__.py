"""What a phone is and how it is: probing, vitals, what phones print."""
