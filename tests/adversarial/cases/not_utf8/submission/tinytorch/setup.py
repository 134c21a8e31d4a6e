text = 'ÿþ'
