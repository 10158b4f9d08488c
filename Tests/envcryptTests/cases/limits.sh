# An input that does not fit into a message is refused before the work if its size is known.
truncate -s 5G sparse
fails 65 timeout 300 envcrypt encrypt --frame-length 1 sparse -o out
says 'the input needs more frames than a message can have'
says 'choose a larger --frame-length'
absent out
fails 65 timeout 300 envcrypt encrypt --frame-length 1 -o out <sparse
absent out
# 2^32 - 2 whole frames and a final frame are the most.
truncate -s 4294967295 sparse
fails 65 timeout 300 envcrypt encrypt --frame-length 1 sparse -o out
absent out

# The same when a message is re-encrypted. Only its sizes are those of a message: the body consists of zeros.
echo text | envcrypt encrypt --frame-length 67108864 -o message
python3 - "$(envcrypt inspect --json message | json 'j["Messages"][0]["HeaderLength"]')" <<'P'
import struct, sys
frames = 70
with open("message", "r+b") as file:
    file.seek(int(sys.argv[1]) + frames * (4 + 12 + 67108864 + 16))
    number = struct.pack(">I", frames + 1)
    file.write(b"\xff" * 4 + number + bytes(8) + number + bytes(4) + bytes(16))
    file.truncate()
P
[ "$(envcrypt inspect --json message | json 'j["Messages"][0]["FrameCount"]')" = 71 ]
cp --sparse=always message before
fails 65 timeout 300 envcrypt reencrypt --force --frame-length 1 message
says 'the input needs more frames than a message can have'
cmp message before
